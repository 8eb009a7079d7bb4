// PEFTTokenizers
