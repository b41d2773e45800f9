// Package outsidetest is for tests of what is shown of text from outside. It finds
// every string of a type, so that none can be forgotten where text is planted, and
// judges what was written: nothing of what was planted may act there, and no
// credential may be seen.
package outsidetest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"
)

// Place is one string of a type: a field, an element of a list, a name or a value of
// a map, the strings of raw JSON.
type Place struct {
	Path string // as "Shares[].Release.Comment", "Labels{name}", "Before{}(json)"

	way []step
}

// step is one step from a value to a string in it.
type step struct {
	kind  stepKind
	field int
}

type stepKind int

const (
	intoField stepKind = iota
	intoPointer
	intoElement
	intoName
	intoValue
	intoJSON
)

// PlacesOf are the places of T.
func PlacesOf[T any]() []Place { return Places(reflect.TypeFor[T]()) }

// Places are the strings that a value of a type has, however deep, in the order of
// its fields. What the type does not export is nobody else's, and a type within
// itself is gone into once.
func Places(t reflect.Type) []Place {
	var list []Place
	find(t, Place{}, map[reflect.Type]bool{}, &list)
	return list
}

func find(t reflect.Type, at Place, within map[reflect.Type]bool, list *[]Place) {
	if t == reflect.TypeFor[time.Time]() || within[t] {
		return
	}
	switch t.Kind() {
	case reflect.String:
		*list = append(*list, at)
	case reflect.Pointer:
		find(t.Elem(), at.and("", step{kind: intoPointer}), within, list)
	case reflect.Slice, reflect.Array:
		if t.Elem().Kind() == reflect.Uint8 {
			*list = append(*list, at.and("(json)", step{kind: intoJSON}))
			return
		}
		find(t.Elem(), at.and("[]", step{kind: intoElement}), within, list)
	case reflect.Map:
		if t.Key().Kind() == reflect.String {
			*list = append(*list, at.and("{name}", step{kind: intoName}))
		}
		find(t.Elem(), at.and("{}", step{kind: intoValue}), within, list)
	case reflect.Struct:
		within[t] = true
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				find(f.Type, at.and("."+f.Name, step{kind: intoField, field: i}), within, list)
			}
		}
		delete(within, t)
	}
}

// and is the place with one more step.
func (p Place) and(path string, s step) Place {
	way := make([]step, 0, len(p.way)+1)
	return Place{Path: strings.TrimPrefix(p.Path+path, "."), way: append(append(way, p.way...), s)}
}

// Put puts text into the place of what v points to. A list, or a map, has it in every
// element; what is missing on the way is made.
func (p Place) Put(v any, text string) {
	put(reflect.ValueOf(v).Elem(), p.way, text)
}

func put(v reflect.Value, way []step, text string) {
	if len(way) == 0 {
		v.SetString(text)
		return
	}
	switch at, rest := way[0], way[1:]; at.kind {
	case intoField:
		put(v.Field(at.field), rest, text)
	case intoPointer:
		own := reflect.New(v.Type().Elem())
		if !v.IsNil() {
			own.Elem().Set(v.Elem())
		}
		put(own.Elem(), rest, text)
		v.Set(own)
	case intoElement:
		putElements(v, rest, text)
	case intoName, intoValue:
		putEntries(v, at, rest, text)
	case intoJSON:
		v.SetBytes(said(v.Bytes(), text))
	}
}

// putElements makes another list, so that whoever shares the old one keeps it.
func putElements(v reflect.Value, rest []step, text string) {
	if v.Kind() == reflect.Array {
		for i := range v.Len() {
			put(v.Index(i), rest, text)
		}
		return
	}
	list := reflect.MakeSlice(v.Type(), max(v.Len(), 1), max(v.Len(), 1))
	reflect.Copy(list, v)
	for i := range list.Len() {
		put(list.Index(i), rest, text)
	}
	v.Set(list)
}

func putEntries(v reflect.Value, at step, rest []step, text string) {
	t := v.Type()
	entries := reflect.MakeMap(t)
	for _, name := range v.MapKeys() {
		entries.SetMapIndex(name, v.MapIndex(name))
	}
	if at.kind == intoName {
		entries.SetMapIndex(reflect.ValueOf(text).Convert(t.Key()), reflect.Zero(t.Elem()))
		v.Set(entries)
		return
	}
	if entries.Len() == 0 {
		name := reflect.New(t.Key()).Elem()
		if name.Kind() == reflect.String {
			name.SetString("said")
		}
		entries.SetMapIndex(name, reflect.Zero(t.Elem()))
	}
	for _, name := range entries.MapKeys() {
		value := reflect.New(t.Elem()).Elem()
		value.Set(entries.MapIndex(name))
		put(value, rest, text)
		entries.SetMapIndex(name, value)
	}
	v.Set(entries)
}

// said is raw JSON with text in the place of each of its strings; an object that says
// it where there was none.
func said(raw []byte, text string) []byte {
	var value any
	if json.Unmarshal(raw, &value) != nil || value == nil {
		value = map[string]any{"said": ""}
	}
	data, err := json.Marshal(everywhere(value, text))
	if err != nil {
		panic(fmt.Sprintf("outsidetest: what was decoded cannot be encoded: %v", err))
	}
	return data
}

func everywhere(value any, text string) any {
	switch v := value.(type) {
	case string:
		return text
	case []any:
		for i := range v {
			v[i] = everywhere(v[i], text)
		}
	case map[string]any:
		for name := range v {
			v[name] = everywhere(v[name], text)
		}
	}
	return value
}
