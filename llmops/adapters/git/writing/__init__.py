"""The write door: `door.WriteDoor` for refs, `work_files.write` for files; the rest is what these two stand on."""
