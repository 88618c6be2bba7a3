"""Use cases: the order of events. Ports come in, results go out; nothing here touches the world or a screen."""
