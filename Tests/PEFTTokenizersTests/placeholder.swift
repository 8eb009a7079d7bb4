// PEFTTokenizersTests
