import { parentPort, workerData } from 'node:worker_threads'
import { type ReaderData, runReader } from './reader.ts'

if (parentPort !== null) runReader(parentPort, workerData as ReaderData)
