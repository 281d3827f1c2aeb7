"""The contract: the published interface is what existing programs speak, its rules hold, generated code is true."""
