# Everything that is run: the machine itself, tests, and checks of the source.
