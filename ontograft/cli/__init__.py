"""The command line: one file a command, each parsing its options, calling one function and rendering what it says."""
