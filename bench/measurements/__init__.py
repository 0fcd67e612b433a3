"""Each module measures one kind of thing and gives points; `stage` is what they share."""
