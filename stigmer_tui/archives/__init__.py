"""Runs and resources as one file that can be read without Stigmer, and taken into any store: `.tar.gz`, JSON and the events' own bytes.

layout          what stands where in an archive
writing         puts one together
exporting       takes from a server what goes into it
unpacking       a program of its own, with limits: reads an archive that anybody may have made
sending         takes what it found to a server
"""
