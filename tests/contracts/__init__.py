"""What every implementation of a port must do: one suite, run on the fakes and on the real adapters."""
