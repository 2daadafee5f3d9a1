"""What every part stands on."""


def importer(package, homes):
    """The `__getattr__` of a package whose public names are imported when they are first used."""

    def get(name):
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        from importlib import import_module

        return getattr(import_module(homes[name]), name)

    return get
