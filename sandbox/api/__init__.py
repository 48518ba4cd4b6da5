"""The GraphQL that the Labelbox SDK speaks, answered from the sandbox's state."""
