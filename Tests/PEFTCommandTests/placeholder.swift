// PEFTCommandTests
