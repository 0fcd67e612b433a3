"""Model versions as functions of AWS Lambda: what there shall be, what there is, and the steps between them."""
