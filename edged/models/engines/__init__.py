"""edged.models.engines"""
