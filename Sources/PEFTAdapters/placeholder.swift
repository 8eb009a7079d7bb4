// PEFTAdapters
