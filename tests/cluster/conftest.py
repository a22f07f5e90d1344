"""What pytest passes over: a program that tests start with arguments is none of them."""

collect_ignore = ["mpi_trainings.py"]
