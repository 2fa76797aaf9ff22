// Program lint names what is exported and has no comment, of the packages in the given folders. With
// -output it prints what failed in the output of `go test -json`.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"strings"
)

func main() {
	output := flag.String("output", "", "file with the output of go test -json")
	flag.Parse()
	if *output != "" {
		failures(*output)
		return
	}
	bare := 0
	for _, folder := range flag.Args() {
		bare += undocumented(folder)
	}
	if bare > 0 {
		fmt.Fprintf(os.Stderr, "%d exported names have no comment\n", bare)
		os.Exit(1)
	}
}

func undocumented(folder string) int {
	set := token.NewFileSet()
	source := func(info fs.FileInfo) bool { return !strings.HasSuffix(info.Name(), "_test.go") }
	packages, err := parser.ParseDir(set, folder, source, parser.ParseComments)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	bare := 0
	report := func(at token.Pos, name string) {
		bare++
		fmt.Fprintf(os.Stderr, "%s: %s has no comment\n", set.Position(at), name)
	}
	for _, one := range packages {
		commented := false
		for _, file := range one.Files {
			commented = commented || file.Doc != nil
			for _, declaration := range file.Decls {
				check(declaration, report)
			}
		}
		if !commented {
			report(token.NoPos, "package "+one.Name)
		}
	}
	return bare
}

func check(declaration ast.Decl, report func(token.Pos, string)) {
	switch d := declaration.(type) {
	case *ast.FuncDecl:
		if d.Name.IsExported() && exportedReceiver(d) && d.Doc == nil {
			report(d.Pos(), d.Name.Name)
		}
	case *ast.GenDecl:
		for _, spec := range d.Specs {
			checkSpec(d, spec, report)
		}
	}
}

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil {
		return true
	}
	receiver := d.Recv.List[0].Type
	if star, ok := receiver.(*ast.StarExpr); ok {
		receiver = star.X
	}
	name, ok := receiver.(*ast.Ident)
	return !ok || name.IsExported()
}

func checkSpec(d *ast.GenDecl, spec ast.Spec, report func(token.Pos, string)) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if !s.Name.IsExported() {
			return
		}
		if d.Doc == nil && s.Doc == nil {
			report(s.Pos(), s.Name.Name)
		}
		if fields, ok := s.Type.(*ast.StructType); ok {
			checkFields(s.Name.Name, fields, report)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && s.Doc == nil && s.Comment == nil && (d.Doc == nil || d.Lparen.IsValid()) {
				report(name.Pos(), name.Name)
			}
		}
	}
}

// checkFields takes the comment of a field for those that follow without an empty line.
func checkFields(owner string, fields *ast.StructType, report func(token.Pos, string)) {
	covered := false
	end := token.NoPos
	for _, field := range fields.Fields.List {
		adjacent := end.IsValid() && field.Pos()-end < 80
		covered = field.Doc != nil || field.Comment != nil || (covered && adjacent)
		end = field.End()
		for _, name := range field.Names {
			if name.IsExported() && !covered {
				report(name.Pos(), owner+"."+name.Name)
			}
		}
	}
}

func failures(file string) {
	text, err := os.Open(file)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	defer text.Close()
	said := map[string][]string{}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var event struct{ Action, Test, Output string }
		if json.Unmarshal(lines.Bytes(), &event) != nil {
			continue
		}
		said[event.Test] = append(said[event.Test], event.Output)
		if event.Action == "fail" {
			fmt.Print(strings.Join(said[event.Test], ""))
		}
	}
}
