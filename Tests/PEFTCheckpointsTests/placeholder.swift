// PEFTCheckpointsTests
