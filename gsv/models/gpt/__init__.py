"""The semantic decoder (GPT): phones and a prompt of codes to the codes of speech."""
