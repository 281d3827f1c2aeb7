"""What keeps a store for years: backup, verification, restore. Only an import knows what the store's records mean.

__main__                what runs beside a daemon or without one: `python -m stigmer_backend.maintenance`
service                 the RPCs of a daemon
tending                 what a daemon sees to by itself
retiring                deletes runs as the settings say
disk_use                what a store takes on the disk
importing               what an archive brings
importing_resources     one resource of it; _runs, _skills: one run, one skill, with what comes with them
import_course           what all items of an import share
belongings              histories, schedules and the like: what stands beside a resource's message
sending                 which bytes of a snapshot a caller lacks
restoring               puts a backup in the place of a store
verifying               looks at every byte of a backup, or of a store
copying, kept_files     pieces of files, and where kept files are
"""
