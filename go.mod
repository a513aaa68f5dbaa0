module haul

go 1.26
