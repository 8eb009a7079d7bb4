// PEFTAdaptersTests
