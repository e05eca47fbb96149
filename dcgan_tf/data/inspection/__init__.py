"""What a set of images is like before a net is trained on it: copies, flat and blurry images, margins, odd ones, sizes."""
