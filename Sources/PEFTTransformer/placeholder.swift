// PEFTTransformer
