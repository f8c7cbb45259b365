"""Text of users in the cells of CSV files."""


def csv_safe(text: str) -> str:
    """Makes a name harmless for spreadsheets, which take some texts for formulas.

    Args:
        text: Text of a user, such as the name of a recording.

    Returns:
        The text, with an apostrophe in front if it begins like a formula.

    Example:
        >>> csv_safe("=HYPERLINK(0).wav"), csv_safe("violin.wav")
        ("'=HYPERLINK(0).wav", 'violin.wav')
    """
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
