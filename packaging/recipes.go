package main

func (d dist) recipes() error { return nil }
