"""`make bench`; the processes that a rebuild starts import this, and nothing that measures."""

if __name__ == "__main__":
    from bench.running import main

    main()
