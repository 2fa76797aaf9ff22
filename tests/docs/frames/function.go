package frame

func _() error {
/* @SNIPPET@ */
	return nil
}
