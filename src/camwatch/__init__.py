"""camwatch: does the imagery I hold support this documented claim, and could it have shown otherwise?"""

__version__ = "0.1.0"
