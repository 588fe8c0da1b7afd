import { parentPort, workerData } from 'node:worker_threads'
import { type WriterData, runWriter } from './writer.ts'

if (parentPort !== null) runWriter(parentPort, workerData as WriterData)
