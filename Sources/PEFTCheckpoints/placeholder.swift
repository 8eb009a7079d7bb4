// PEFTCheckpoints
