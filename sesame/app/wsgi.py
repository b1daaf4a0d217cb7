"""What a WSGI server loads."""

from sesame.app.web import create_app

app = create_app()
