"""edged.bridge"""
