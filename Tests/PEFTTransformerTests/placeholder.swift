// PEFTTransformerTests
