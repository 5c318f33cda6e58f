from csapi.cli.main import main

main()
