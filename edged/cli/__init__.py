"""edged.cli"""
