"""Reading DICOM: in a child process only, see :mod:`gyrus.imaging.child`."""
