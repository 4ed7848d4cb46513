"""edged.service"""
