"""The main window around the panels: menus, docks, header, status, welcome, problems, shortcuts."""
