@_exported import PEFTAdapters
@_exported import PEFTCheckpoints
@_exported import PEFTTensor
@_exported import PEFTTokenizers
@_exported import PEFTTraining
@_exported import PEFTTransformer
