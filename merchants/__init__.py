"""Who is paid, on what terms, and how."""
