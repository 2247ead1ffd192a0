"""What joins the other rooms: prepare an experiment, train with previews."""
