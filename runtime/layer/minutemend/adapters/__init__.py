"""The ports in AWS and on HTTP. boto3 lives here alone; clients come in as arguments."""
