"""edged.workers"""
