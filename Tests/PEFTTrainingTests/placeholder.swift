// PEFTTrainingTests
