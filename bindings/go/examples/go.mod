module examples

go 1.21

require llmq v0.0.0

replace llmq => ../
