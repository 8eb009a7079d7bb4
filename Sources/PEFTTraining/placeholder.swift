// PEFTTraining
