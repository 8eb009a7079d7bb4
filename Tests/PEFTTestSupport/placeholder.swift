// PEFTTestSupport
