package redact

import "reflect"

// In is a copy of a value with clean applied to every text within: fields, elements,
// names and values of maps, raw JSON. What a type does not export is as it was, and
// what v shares with others is left to them. It is for what is shown: once a text is
// laid out or escaped, a credential in it is written another way.
func In[T any](v T, clean func(string) string) T {
	value := reflect.ValueOf(&v).Elem()
	value.Set(cleaned(value, clean))
	return v
}

// cleaned is a copy of v.
func cleaned(v reflect.Value, clean func(string) string) reflect.Value {
	out := reflect.New(v.Type()).Elem()
	out.Set(v)
	switch v.Kind() {
	case reflect.String:
		out.SetString(clean(v.String()))
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			out.Set(pointed(v, clean))
		}
	case reflect.Slice:
		if !v.IsNil() {
			out.Set(elements(v, clean))
		}
	case reflect.Array:
		for i := range v.Len() {
			out.Index(i).Set(cleaned(v.Index(i), clean))
		}
	case reflect.Map:
		if !v.IsNil() {
			out.Set(entries(v, clean))
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				out.Field(i).Set(cleaned(v.Field(i), clean))
			}
		}
	}
	return out
}

func pointed(v reflect.Value, clean func(string) string) reflect.Value {
	if v.Kind() == reflect.Interface {
		return cleaned(v.Elem(), clean)
	}
	out := reflect.New(v.Type().Elem())
	out.Elem().Set(cleaned(v.Elem(), clean))
	return out
}

// elements is a copy of a list; one of bytes is text.
func elements(v reflect.Value, clean func(string) string) reflect.Value {
	if v.Type().Elem().Kind() == reflect.Uint8 {
		return reflect.ValueOf([]byte(clean(string(v.Bytes())))).Convert(v.Type())
	}
	out := reflect.MakeSlice(v.Type(), v.Len(), v.Len())
	for i := range v.Len() {
		out.Index(i).Set(cleaned(v.Index(i), clean))
	}
	return out
}

func entries(v reflect.Value, clean func(string) string) reflect.Value {
	out := reflect.MakeMapWithSize(v.Type(), v.Len())
	for all := v.MapRange(); all.Next(); {
		out.SetMapIndex(cleaned(all.Key(), clean), cleaned(all.Value(), clean))
	}
	return out
}
