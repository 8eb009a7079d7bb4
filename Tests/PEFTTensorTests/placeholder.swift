// PEFTTensorTests
