module llmq

go 1.21
