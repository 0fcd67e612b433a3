"""What the query function on AWS costs: its cold start beside that of a plain application, and a prediction."""
