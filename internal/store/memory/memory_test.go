package memory_test

import (
	"testing"

	"sluice/internal/store"
	"sluice/internal/store/memory"
	"sluice/internal/store/storetest"
)

func TestMemory(t *testing.T) {
	storetest.Run(t, func(*testing.T) storetest.Harness {
		place := memory.New()
		return storetest.Harness{Open: func(*testing.T) store.Store { return place.Open("a run") }, Writes: place.Writes}
	})
}
